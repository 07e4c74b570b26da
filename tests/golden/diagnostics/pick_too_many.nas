space s {
  input image: [3, 32, 32]
  pick p in 3 of 0..2
  y = sum(image for i in p)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
