space s {
  input image: [3, 32, 32]
  block f(a, b) = sum(a, b)
  pick p in 1 of 0..2
  y = f(image for i in p)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
