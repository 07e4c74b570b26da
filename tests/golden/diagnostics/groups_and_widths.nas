space s {
  input image: [3, 32, 32]
  width w in {4, 6}
  y = image >> conv(w, k = 1) >> conv(8, k = 3, groups = 4)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
