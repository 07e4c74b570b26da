space s {
  input image: [3, 32, 32]
  pick p in 1 of 0..2
  for i in p { x[i] = image }
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
