space s {
  input image: [3, 32, 32]
  x[0 = image
  y = x[0]
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
