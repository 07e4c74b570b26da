space s {
  input image: [3, 32, 32]
  choose op = { a: conv_bn(k = 3), b: conv_bn(k = 5) }
  y = image >> op()
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
