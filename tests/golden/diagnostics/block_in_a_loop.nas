space s {
  input image: [3, 32, 32]
  for i in 0..2 { block f(x) = x >> relu() }
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
