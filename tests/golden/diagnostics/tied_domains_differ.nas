space s {
  input image: [3, 32, 32]
  tied block f(x, n) {
    width w in {4, n}
    return x >> conv_bn(w, k = 3)
  }
  a = f(image, 8)
  y = f(a, 16)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
