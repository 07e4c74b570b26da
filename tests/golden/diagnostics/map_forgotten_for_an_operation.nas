space s {
  input image: [3, 32, 32]
  y = conv(8, k = 3)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
