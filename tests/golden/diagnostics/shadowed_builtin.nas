space s {
  input image: [3, 32, 32]
  relu = 3
  y = image >> conv_bn(relu, k = 3)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
