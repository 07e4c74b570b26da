space s {
  input image: [3, 32, 32]
  chose op in { a: conv_bn(k = 3), b: conv_bn(k = 5) }
  blok f(x) { retrun x >> op() }
  y = f(image)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
