space s {
  input image: [3, 32, 32]
  width w in {4, 8}
  y = image >> conv_bn_relu(w, k = 3)
  require macs <= 3 G and params >= 10
  task t = y >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
