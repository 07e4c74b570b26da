space s {
  input image: [3, 32, 32]
  choose g in {1, 3}
  y = image >> conv(6, k = 3, groups = g)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
