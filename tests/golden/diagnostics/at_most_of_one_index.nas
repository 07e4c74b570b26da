space s {
  input image: [3, 32, 32]
  block mb(x) {
    choose op in { a: conv_bn(k = 1), b: conv_bn(k = 3) }
    y = x >> op()
    return y
  }
  x[0, 0] = image
  for i in 0..6 {
    x[0, i + 1] = mb(x[0, i])
  }
  y = x[0, 6]
  require at most 2 of x[*].mb.op = a
  require at most 2 of x[0, 9].mb.op = a
  require at most 2 of stem.kernel = a
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
