space s {
  input image: [3, 32, 32]
  x = image >> conv(8, k = 3, bias = 1) >> bn() >> relu()
  task t = x >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
