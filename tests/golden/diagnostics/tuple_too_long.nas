space s {
  input image: [3, 32, 32]
  block f(x) { return x, x >> relu() }
  a, b, c = f(image)
  y = sum(a, b, c)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
