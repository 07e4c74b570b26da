space s {
  input image: [3, 32, 32]
  for i in 0..10000000 { x[i] = image }
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
