space s {
  input image: [3, 32, 32]
  width w in {2, 4}
  y = image >> conv_bn(4 if w > 2 else 8, k = 1)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
