space s {
  input image: [3, 32, 32]
  pick ins in 2 of 0..4
  block f(x) = x >> conv_bn(4, k = 1)
  y = concat(f(image) for i in ins when i > 0)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
