space s {
  input image: [3, 32, 32]
  shared block f(x) = x >> conv_bn(8, k = 3)
  a = f(image)
  y = f(a)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
