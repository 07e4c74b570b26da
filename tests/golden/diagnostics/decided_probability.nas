space s {
  input image: [3, 32, 32]
  width p in {1, 2}
  x = image >> conv_bn_relu(8, k = 3) >> dropout(p / 10)
  y = x >> dropout(p = 3/2)
  task t = y >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
