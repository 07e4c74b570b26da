space s {
  input image: [3, 32, 32]
  width w in {4, 8}
  y = image >> conv_bn_relu(w, k = 3)
  require macs <= 100 K
  preset wide { w = 8 require params >= 1 K }
  task t = y >> global_avg_pool() >> linear(10) { loss cross_entropy() }
}
