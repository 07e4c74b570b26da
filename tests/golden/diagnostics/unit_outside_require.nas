space s {
  input image: [3, 32, 32]
  a = 8 ms
  y = image >> conv_bn(a, k = 3)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
