space s {
  input image: [3, 32, 32]
  shared = 3
  a = conv(depth = 3)
  block most(x) = x
  predict = image
  extern[0] = image
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
