space s {
  input image: [3, 32, 32]
  y = image >> resize(3/4) >> conv_bn(4, k = 3, stride = 16)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
