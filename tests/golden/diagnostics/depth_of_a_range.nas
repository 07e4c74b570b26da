space s {
  input image: [3, 32, 32]
  depth d in {4..8}
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
