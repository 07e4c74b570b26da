space s {
  input image: [3, 32, 32]
  for i in 0..2 { a = i }
  y = image >> conv_bn(a, k = 1)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
