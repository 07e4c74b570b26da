space s {
  input image: [3, 32, 32]
  width k in {3, 5}
  y = image >> conv(8, k = k, padding = 1)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
