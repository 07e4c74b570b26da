block f(x) {
  y = sum(x, x >> conv_bn(8, k = 3))
  return y
}
