space s {
  input image: [3, 32, 32]
  c = {16, 32}
  y = image >> conv_bn(c[2], k = 1)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
