space s {
  input image: [3, 32, 32]
  for (i, j) in { (1, 2), (3, 4, 5) } { x[i] = image }
  y = x[1]
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
