space s {
  input image: [3, 32, 32]
  width w in {4, 4, 8}
  y = image >> conv_bn(w, k = 1)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
