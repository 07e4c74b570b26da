space s {
  input image: [3, 32, 32]
  choose c in {4..8}
  for i in {0..3} {
    z[i] = image
  }
  y = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
