space s {
  input image: [3, 32, 32]
  stride = 2
  choose op in { a: conv_bn(c = 8, k = 3), b: conv_bn(c = 8, k = 5) }
  y = image >> op(stride)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
