space s {
  y = image >> relu()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
