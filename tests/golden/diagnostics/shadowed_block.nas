space s {
  input image: [3, 32, 32]
  block skip(x) = x >> relu()
  y = image >> skip()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
