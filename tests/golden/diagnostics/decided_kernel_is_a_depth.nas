space s {
  input image: [3, 32, 32]
  depth d in 1..=3
  y = image >> conv_bn(8, k = 2*d + 1)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
