space s {
  input image: [3, 32, 32]
  choose w in { small: 4, large: 8 }
  y = image >> conv_bn(w, k = 1)
  task t = y >> global_avg_pool() >> linear(2) { loss cross_entropy() }
}
