space s {
  input image: [3, 32, 32]
  a = 3
  y = image >> relu() if a = 3 else image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
