space s {
  input image: [3, 32, 32]
  chose a in {3, 4}
  y = image >> conv_bn(8 k = 3)
  require params <= 4 m
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
