space s {
  input image: [3, 33, 33]
  y = image >> conv_bn(8, k = 3, stride = 2)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
