space s {
  input image: [3, 32, 32]
  a = image >> conv_bn(8, k = 3)
  b = image >> conv_bn(16, k = 3)
  y = sum(a >> relu(), b >> relu(), a)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
