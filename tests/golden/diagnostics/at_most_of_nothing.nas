space s {
  input image: [3, 32, 32]
  y = image
  require at most 2 of edge[*].op = skip
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
