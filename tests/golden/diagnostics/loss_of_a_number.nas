space s {
  input image: [3, 32, 32]
  task u = 3 { loss cross_entropy() }
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
