space s {
  input image: [3, 32, 32]
  depth d in 1..=3
  x[1] = image
  x[2] = x[1] >> relu()
  y = x[d]
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
