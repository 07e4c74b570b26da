space s {
  input image: [3, 32, 32]
  x = image
  x[1] = image
  y = x
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
