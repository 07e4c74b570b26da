space s {
  input image: [3, 32, 32]
  block cell(x, k = 3) = x >> relu() >> conv(8, k = k)
  block half(n) = image >> cell() >> conv(n/2, k = 1)
  a = half(8)
  y = cell(8)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
