space s {
  input image: [3, 32, 32]
  depth d in 1..=2
  y = image >> conv_bn(8, k = 3) if d == 2 else image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
