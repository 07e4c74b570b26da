space s {
  input image: [3, 32, 32]
  y = image >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> conv(8, k = 4) >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu() >> relu()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
