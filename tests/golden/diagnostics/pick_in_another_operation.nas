space s {
  input image: [3, 32, 32]
  pick ins in 1 of 0..2
  block f(x) = x >> conv_bn(4, k = 1)
  y = resize_like(f(image) for i in ins)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
