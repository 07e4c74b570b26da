space s {
  input image: [3, 32, 32]
  width w in {0.5, 1}
  y = image >> conv(8*w, k = 3)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
