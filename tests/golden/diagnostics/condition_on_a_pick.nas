space s {
  input image: [3, 32, 32]
  pick p in 1 of 0..2
  y = image >> relu() if 0 in p else image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
