space s {
  input image: [3, 32, 32]
  block f(x) -> map { return x }
  y = f(image)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
