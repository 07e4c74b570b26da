space s {
  input image: [3, 32, 32]
  block f(x) { choose op in {conv_bn(k = 3), skip} return x >> op() }
  y = sum(f(image), f(image))
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
